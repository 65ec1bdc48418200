// A shop with database/sql, on SQLite or PostgreSQL: an order and its event in one transaction.
//
//	shop shop.db | postgres://…     reads lines "NUMBER TOTAL" and tells what became of each order
package main

import (
	"database/sql"
	"fmt"
	"log"
	"os"
	"strings"

	_ "github.com/lib/pq"
	_ "github.com/mattn/go-sqlite3"
)

var errFree = fmt.Errorf("an order must cost something")

func placeOrder(db *sql.DB, outbox string, number, total int) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // without effect after the commit
	data := fmt.Sprintf(`{"number": %d, "total": %d}`, number, total)
	_, err = tx.Exec("INSERT INTO orders (number, total) VALUES ($1, $2)", number, total)
	if err == nil {
		_, err = tx.Exec("INSERT INTO "+outbox+" (event_type, data, idempotency_key) VALUES ($1, $2, $3)",
			"order.placed", data, fmt.Sprintf("order-%d", number))
	}
	if err == nil && total <= 0 {
		err = errFree
	}
	if err != nil {
		return err
	}
	return tx.Commit()
}

func main() {
	driver, where, outbox := "postgres", os.Args[1], "convoy.outbox"
	if !strings.HasPrefix(where, "postgres://") {
		driver, outbox = "sqlite3", "convoy_outbox"
		where = "file:" + where + "?_busy_timeout=60000&_journal_mode=WAL&_txlock=immediate"
	}
	db, _ := sql.Open(driver, where) // connects later, and fails there
	_, err := db.Exec("CREATE TABLE IF NOT EXISTS orders (number integer PRIMARY KEY, total integer)")
	var number, total int
	for err == nil {
		if _, end := fmt.Scanln(&number, &total); end != nil {
			return
		}
		err = placeOrder(db, outbox, number, total)
		fmt.Println(number, map[bool]string{true: "placed", false: "refused"}[err == nil])
		if err == errFree {
			err = nil
		}
	}
	log.Fatal(err)
}
