"""Every page and every action, in a browser, against a running gateway with traffic."""
import json
import re
import unittest

import browser
import host
from browser import NARROW, UiCase, expect

PLACES = [("overview", "Overview"), ("events", "Events"), ("deliveries", "Deliveries"),
          ("endpoints", "Endpoints"), ("sources", "Sources"), ("presets", "Presets"),
          ("subscriptions", "Subscriptions"), ("quarantine", "Quarantine"), ("jobs", "Jobs"),
          ("keys", "API keys"), ("portals", "Portal links"), ("settings", "Settings")]


def rows(page):
    return page.locator("tbody tr")


class PagesTest(UiCase):
    def release_event(self):
        return next(d["event_id"] for d in self.shop.project.deliveries(event_type="release")
                    if d["endpoint_id"] == self.shop.broken["uid"] and d["status"] == "Retry")

    def toast(self, page, text):
        expect(page.locator(".toast").filter(has_text=text).first).to_be_visible()

    def test_log_in_and_choose_a_project(self):
        page = self.page()
        self.expected += ["401"]
        page.goto(self.url)
        self.shot(page, "login")
        self.check_axe(page)
        page.get_by_label("API key").fill("CO." + "a" * 16 + "." + "b" * 64)
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("not known")
        self.check_axe(page)
        page.get_by_label("API key").fill(self.key)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Projects")).to_be_visible()
        self.shot(page, "projects")
        self.check_axe(page)
        page.get_by_role("button", name="New project").click()
        page.get_by_label("Name").fill("From the page")
        page.get_by_label("Direction").select_option("outgoing")
        self.check_axe(page)
        page.get_by_role("button", name="Create project").click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        page.reload()
        expect(page.get_by_text("From the page").first).to_be_visible()
        page.get_by_role("link", name="Settings").click()
        page.get_by_role("button", name="Delete project").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete project").click()
        expect(page.get_by_role("heading", name="Projects")).to_be_visible()
        expect(page.get_by_role("link", name="From the page")).to_have_count(0)
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()

    def test_every_page_in_light_and_dark_and_narrow(self):
        """Each is right for axe, fits the window, and is drawn for the documentation."""
        for look, options in (("", {}), ("-dark", {"scheme": "dark"}),
                              ("-narrow", {"viewport": NARROW})):
            page = self.logged_in(**options)
            for place, title in PLACES:
                with self.subTest(place=place, look=look):
                    self.visit(page, place, title)
                    if place == "overview":
                        expect(page.locator(".u-wrap")).to_have_count(3)
                        page.wait_for_timeout(4500 if look == "" else 2500)
                    if look == "" or place in ("overview", "events"):
                        self.shot(page, place + look, whole=look == "" and place == "overview")
                    if look == "-narrow" and place not in ("overview", "events"):
                        self.check_fits(page)
                    else:
                        self.check_axe(page)
            for place, title, name in (
                    (f"events/{self.release_event()}", "release", "event"),
                    (f"endpoints/{self.shop.broken['uid']}", "Legacy CRM", "endpoint"),
                    (f"sources/{self.shop.github['uid']}", "GitHub", "source")):
                with self.subTest(place=name, look=look):
                    self.visit(page, place, title)
                    if name == "event":
                        page.get_by_role("button", name="Show attempts").first.click()
                        expect(page.get_by_text("Attempt 1")).to_be_visible()
                        expect(page.get_by_text("Loading…")).to_have_count(0)
                    self.shot(page, name + look, whole=name == "event")
                    self.check_axe(page)
            page.context.close()

    def test_overview_tells_what_the_gateway_counts(self):
        page = self.logged_in()
        self.visit(page, "overview", "Overview")
        expect(page.locator(".stat").first).to_contain_text("since the start")
        refusals = page.get_by_role("table", name="Refusals")
        expect(refusals).to_contain_text("signature mismatch")
        expect(page.get_by_role("table", name="Failing endpoints")).to_contain_text("Legacy CRM")
        chart = page.get_by_role("img", name=re.compile("Events and deliveries a second")).first
        expect(chart).to_be_visible()

    def test_events_are_narrowed_turned_and_followed(self):
        page = self.logged_in()
        self.visit(page, "events", "Events")
        expect(rows(page)).to_have_count(25)
        page.get_by_role("button", name="Older").click()
        expect(page.get_by_role("button", name="Newer")).to_be_enabled()
        page.get_by_label("Event type").fill("form.sent")
        page.get_by_role("button", name="Filter").click()
        expect(rows(page)).to_have_count(1)
        page.get_by_role("button", name="Clear").click()
        page.get_by_label("Source").select_option(label="Forms")
        page.get_by_role("button", name="Filter").click()
        expect(rows(page).first).not_to_contain_text("GitHub")
        expect(rows(page).filter(has_text="image.bytes")).to_have_count(1)
        page.get_by_role("button", name="Clear").click()
        page.get_by_label("From", exact=True).fill("2030-01-01T00:00")
        page.get_by_role("button", name="Filter").click()
        expect(page.get_by_text("No events here")).to_be_visible()
        self.check_axe(page)
        page.get_by_role("button", name="Clear").click()
        page.get_by_role("button", name="Follow live").click()
        expect(page.get_by_role("button", name="Following")).to_have_attribute("aria-pressed", "true")
        self.shop.post("live.tail", b"{}", "application/json")
        expect(rows(page).filter(has_text="live.tail")).to_be_visible()

    def test_deliveries_are_narrowed(self):
        page = self.logged_in()
        self.visit(page, "deliveries", "Deliveries")
        page.get_by_label("Status").select_option("Retry")
        page.get_by_label("Endpoint", exact=True).select_option(label="Legacy CRM")
        page.get_by_role("button", name="Filter").click()
        expect(rows(page).first).to_contain_text("Legacy CRM")
        expect(rows(page).filter(has_text="Success")).to_have_count(0)
        page.goto(page.url.split("?")[0] + "?status=nonsense")
        expect(page.get_by_role("alert")).to_contain_text("is not a status of deliveries")
        self.expected.append("400")
        self.check_axe(page)

    def test_one_event_from_receipt_to_attempts(self):
        page = self.logged_in()
        self.visit(page, f"events/{self.release_event()}", "release")
        for step in ("Received", "Verified", "Matched"):
            expect(page.get_by_role("heading", name=step, exact=True)).to_be_visible()
        expect(page.get_by_text("The signature covers the whole body.")).to_be_visible()
        expect(page.get_by_role("link", name="Releases to the CRM")).to_be_visible()
        broken = page.locator(".timeline > li").filter(has_text="Delivery to Legacy CRM")
        expect(broken).to_contain_text("Next retry")
        broken.get_by_role("button", name="Show attempts").click()
        attempt = broken.locator("details.attempt").first
        expect(attempt).to_contain_text("answered 500")
        expect(attempt.get_by_role("heading", name="Request")).to_be_visible()
        expect(attempt).to_contain_text("X-Convoy-Signature")
        expect(attempt).to_contain_text("database is locked")
        # Numbers as they came: a double has no trailing zero.
        expect(page.locator(".j-number").filter(has_text="10.50").first).to_be_visible()
        mirror = page.locator(".timeline > li").filter(has_text="Delivery to Mirror")
        mirror.get_by_role("button", name="Send again").click()
        page.get_by_role("dialog").get_by_role("button", name="Send again").click()
        self.toast(page, "sent again")
        page.get_by_role("button", name="Replay").click()
        self.check_axe(page)
        page.get_by_role("dialog").get_by_role("button", name="Replay").click()
        self.toast(page, "delivered anew")
        expect(page.locator(".timeline > li").filter(has_text="Delivery to Mirror")).to_have_count(2)

    def test_bodies_of_every_kind(self):
        page = self.logged_in()
        for kind, seen in (("form.sent", "Ada Lovelace"), ("note.text", "second"),
                           ("image.bytes", "00 01 02 03 04 05 06 07")):
            event = self.shop.project.events(event_type=kind)[0]
            self.visit(page, f"events/{event['uid']}", kind)
            expect(page.locator(".body-view").first).to_contain_text(seen)
            with page.expect_download() as download:
                page.get_by_role("button", name="Download").first.click()
            if kind == "image.bytes":
                self.assertEqual(download.value.path().read_bytes(), bytes(range(256)) * 4)
            self.check_axe(page)
            self.shot(page, "body-" + kind.split(".")[0])

    def test_batches_are_jobs_with_progress(self):
        page = self.logged_in()
        self.visit(page, "events", "Events")
        page.get_by_label("Event type").fill("issues")
        page.get_by_role("button", name="Filter").click()
        expect(rows(page).filter(has_text="push")).to_have_count(0)
        page.get_by_role("button", name="Replay matching").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("events match the filters")
        self.shot(page, "batch")
        self.check_axe(page)
        dialog.get_by_role("button", name="Replay all").click()
        expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
        expect(rows(page).first).to_contain_text("Batch replay")
        expect(rows(page).first).to_contain_text("done")
        self.shot(page, "jobs")
        self.check_axe(page)

    def test_a_failed_delivery_is_retried(self):
        project = host.Project(self.admin, "Failures", "outgoing",
                               strategy={"type": "linear", "duration": 1, "retry_count": 1})
        endpoint = project.endpoint("Down", self.receiver.url + "/broken/x")
        project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t", "data": 1})
        delivery = project.wait_for_deliveries(1, "Failure")[0]
        page = self.logged_in()
        page.goto(f"{self.url}#/p/{project.id}/events/{delivery['event_id']}")
        page.get_by_role("button", name="Retry").click()
        self.toast(page, "sent again")
        host.wait_until(lambda: len(project.attempts(delivery["uid"])) == 2, "a second attempt")
        page.goto(f"{self.url}#/p/{project.id}/deliveries?status=Failure")
        expect(rows(page)).to_have_count(1)
        page.get_by_role("button", name="Retry failed").click()
        page.get_by_role("dialog").get_by_role("button", name="Retry all").click()
        expect(rows(page).first).to_contain_text("Batch retry")
        host.wait_until(lambda: len(project.attempts(delivery["uid"])) == 3, "a third attempt")

    def test_an_endpoint_from_its_making_to_its_end(self):
        page = self.logged_in()
        self.visit(page, "endpoints", "Endpoints")
        page.get_by_role("button", name="New endpoint").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill("Made here")
        dialog.get_by_label("URL").fill(self.receiver.url + "/made")
        dialog.get_by_label("Owner").fill("acme")
        self.shot(page, "endpoint-new")
        self.check_axe(page)
        dialog.get_by_role("button", name="Create endpoint").click()
        expect(page.get_by_role("heading", name="Made here")).to_be_visible()
        page.get_by_role("button", name="Send test event").click()
        page.get_by_role("dialog").get_by_role("button", name="Send test event").click()
        self.toast(page, "on its way")
        expect(rows(page).first).to_contain_text("test.event")
        expect(rows(page).first).to_contain_text("Success")
        page.get_by_role("button", name="Count the last 7 days").click()
        expect(page.get_by_text("1 delivered, 0 failed")).to_be_visible()
        page.get_by_role("button", name="Show", exact=True).click()
        expect(page.locator(".copy code")).to_be_visible()
        old = page.locator(".copy code").inner_text()
        page.get_by_role("button", name="Rotate").click()
        self.check_axe(page)
        page.get_by_role("dialog").get_by_role("button", name="Rotate").click()
        expect(page.locator(".copy code")).to_have_count(2)
        self.assertIn(old, page.locator(".copy code").all_inner_texts())
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_text("Deliveries wait until it is resumed.")).to_be_visible()
        self.check_axe(page)
        page.get_by_role("button", name="Resume").click()
        page.get_by_role("button", name="Edit").click()
        page.get_by_role("dialog").get_by_label("Description").fill("Edited here")
        page.get_by_role("dialog").get_by_role("button", name="Save").click()
        expect(page.get_by_text("Edited here")).to_be_visible()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_role("heading", name="Endpoints")).to_be_visible()
        expect(page.get_by_role("link", name="Made here")).to_have_count(0)

    def test_a_source_and_why_it_refuses(self):
        page = self.logged_in()
        self.visit(page, "sources", "Sources")
        page.get_by_role("button", name="New source").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill("Payments")
        dialog.get_by_label("Find a provider").fill("stripe")
        dialog.get_by_label("Preset").select_option("stripe")
        expect(dialog).to_contain_text("Paste here")
        dialog.get_by_label("Secret").fill("whsec_abcdefghijklmnopqrstuvwxyz012345")
        dialog.get_by_label("When it does not verify").select_option("quarantine")
        self.shot(page, "source-new")
        self.check_axe(page)
        dialog.get_by_role("button", name="Create source").click()
        expect(page.get_by_role("heading", name="Payments")).to_be_visible()
        expect(page.locator(".copy code").first).to_contain_text("/ingest/")
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_role("heading", name="Sources")).to_be_visible()

        self.visit(page, f"sources/{self.shop.github['uid']}", "GitHub")
        body = '{"action":"pasted"}'
        signature = host.github_signature(browser.SECRET, (body + "\n").encode())
        page.get_by_label("Headers, one on a line").fill(f"X-Hub-Signature-256: {signature}")
        page.get_by_label("Body", exact=True).fill(body)
        page.get_by_role("button", name="Explain").click()
        expect(page.get_by_text("It is refused: signature mismatch.")).to_be_visible()
        expect(page.locator(".notice.bad")).to_contain_text("line break")
        self.shot(page, "explain", whole=True)
        self.check_axe(page)

    def test_what_is_in_quarantine_is_explained_and_released(self):
        page = self.logged_in()
        wrong = "the-secret-that-is-configured-by-mistake"
        project = host.Project(self.admin, "Quarantine", "incoming")
        source = project.source("GitHub", {"type": "preset", "preset": {
            "name": "github", "secrets": [wrong]}}, verify_mode="quarantine")
        for number in range(3):
            text = json.dumps({"number": number}).encode()
            project.ingest(source, text, {"Content-Type": "application/json", "X-Hub-Signature-256":
                                          host.github_signature(browser.SECRET, text)})
        page.goto(f"{self.url}#/p/{project.id}/quarantine")
        expect(rows(page)).to_have_count(3)
        page.get_by_label("Reason").fill("signature_mismatch")
        page.get_by_role("button", name="Filter").click()
        rows(page).first.get_by_role("link").click()
        page.get_by_role("button", name="Explain").click()
        expect(page.get_by_text("It is refused: signature mismatch.")).to_be_visible()
        self.shot(page, "held", whole=True)
        self.check_axe(page)
        page.get_by_role("button", name="Release").click()
        self.toast(page, "1 still refused")
        project.ok("PUT", f"/sources/{source['uid']}", {
            "name": "GitHub", "type": "http", "verifier": {"type": "preset", "preset": {
                "name": "github", "secrets": [browser.SECRET]}}})
        page.get_by_role("button", name="Release").click()
        self.toast(page, "1 accepted")
        expect(rows(page)).to_have_count(2)
        page.get_by_role("button", name="Try all again").click()
        page.get_by_role("dialog").get_by_role("button", name="Try all again").click()
        self.toast(page, "2 accepted")
        expect(page.get_by_text("Nothing is held")).to_be_visible()
        self.assertEqual(len(project.events()), 3)

    def test_subscriptions_and_their_filters(self):
        page = self.logged_in()
        self.visit(page, "subscriptions", "Subscriptions")
        page.get_by_role("button", name="Try", exact=True).click()
        expect(page.get_by_text("It matches:")).to_be_visible()
        page.get_by_label("Sample body").fill('{"amount": 7}')
        page.get_by_role("button", name="Try", exact=True).click()
        expect(page.get_by_text("It does not match:")).to_be_visible()
        self.shot(page, "subscriptions")
        page.get_by_label("Filter", exact=True).fill("{")
        page.get_by_role("button", name="Try", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("no JSON")
        self.check_axe(page)
        page.get_by_role("button", name="New subscription").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill("Large ones")
        dialog.get_by_label("Endpoint").select_option(label="Mirror")
        dialog.get_by_label("Source").select_option(label="Forms")
        dialog.get_by_label("Event types").fill("order.*, refund.made")
        dialog.get_by_label("Filter of bodies").fill('{"amount": {"$gt": 100}}')
        self.check_axe(page)
        dialog.get_by_role("button", name="Create subscription").click()
        expect(page.get_by_role("heading", name="Large ones")).to_be_visible()
        expect(page.get_by_text("refund.made")).to_be_visible()
        page.get_by_role("button", name="Edit").click()
        page.get_by_role("dialog").get_by_label("Event types").fill("order.*")
        page.get_by_role("dialog").get_by_role("button", name="Save").click()
        expect(page.get_by_text("refund.made")).to_have_count(0)
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_role("link", name="Large ones")).to_have_count(0)

    def test_keys_portal_links_and_settings(self):
        page = self.logged_in()
        self.visit(page, "keys", "API keys")
        page.get_by_role("button", name="New key").click()
        page.get_by_label("Name").fill("Deploy")
        page.get_by_role("button", name="Create key").click()
        expect(page.locator(".copy code")).to_contain_text("CO.")
        self.check_axe(page)
        made = page.locator(".copy code").inner_text()
        self.assertEqual(self.admin.with_key(made).send("GET", self.shop.project.path).status, 200)
        page.get_by_role("button", name="Close").click()
        rows(page).filter(has_text="Deploy").get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        expect(rows(page).filter(has_text="Deploy")).to_have_count(0)
        self.assertEqual(self.admin.with_key(made).send("GET", self.shop.project.path).status, 401)

        self.visit(page, "portals", "Portal links")
        page.get_by_role("button", name="New portal link").first.click()
        page.get_by_label("Name").fill("Acme Inc.")
        page.get_by_label("Owner").fill("acme")
        page.get_by_role("button", name="Create link").click()
        expect(page.locator(".copy code")).to_contain_text("/portal?token=PRT.")
        page.get_by_role("button", name="Close").click()
        self.shot(page, "portals")
        rows(page).filter(has_text="Acme Inc.").get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        expect(rows(page).filter(has_text="Acme Inc.")).to_have_count(0)

        self.visit(page, "settings", "Settings")
        page.get_by_label("Attempts", exact=True).fill("6")
        page.get_by_label("Trace header").fill("X-Trace")
        page.get_by_role("button", name="Save").click()
        self.toast(page, "Settings saved")
        config = self.shop.project.ok("GET", "")["config"]
        self.assertEqual((config["strategy"]["retry_count"], config["trace_header"]), (6, "X-Trace"))
        page.get_by_label("Signature header").fill("Not a header")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("config.signature.header")
        self.expected.append("400")
        self.check_axe(page)

    def test_with_the_keyboard_alone(self):
        endpoint = self.shop.project.endpoint("Quiet one", self.receiver.url + "/quiet")
        self.addCleanup(self.shop.project.ok, "DELETE", f"/endpoints/{endpoint['uid']}")
        page = self.page()
        self.expected.append("401")
        page.goto(self.url)
        expect(page.get_by_label("API key")).to_be_visible()

        def tab_to(text, turns=60):
            for _ in range(turns):
                page.keyboard.press("Tab")
                focused = page.evaluate("""() => {
                  const e = document.activeElement;
                  return e === document.body ? '' : (e.labels?.[0]?.innerText || e.innerText || e.ariaLabel || '').trim() }""")
                if focused.startswith(text):
                    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
                    self.assertNotEqual(outline, "none", f"where {text} is focused is not seen")
                    return
            self.fail(f"no Tab leads to {text}")

        tab_to("API key")
        page.keyboard.insert_text(self.key)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Projects")).to_be_visible()
        tab_to("Northwind Shop")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Overview")).to_be_focused()
        page.keyboard.press("Shift+Tab")
        tab_to("Skip to the content")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        page.evaluate("() => document.activeElement.blur()")
        tab_to("Endpoints")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Endpoints")).to_be_focused()
        tab_to("Quiet one")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Quiet one")).to_be_focused()
        tab_to("Send test event")
        page.keyboard.press("Enter")
        tab_to("Event type")
        page.keyboard.press("Control+A")
        page.keyboard.insert_text("from.keyboard")
        page.keyboard.press("Enter")
        expect(rows(page).filter(has_text="from.keyboard")).to_be_visible()
        tab_to("from.keyboard", 120)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="from.keyboard")).to_be_focused()
        tab_to("Replay")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)

    def test_narrow_screens_have_a_menu(self):
        page = self.logged_in(viewport=NARROW)
        self.visit(page, "overview", "Overview")
        expect(page.get_by_role("link", name="Deliveries")).to_be_hidden()
        page.get_by_role("button", name="Menu").click()
        self.check_axe(page)
        page.get_by_role("link", name="Deliveries").click()
        expect(page.get_by_role("heading", name="Deliveries")).to_be_visible()
        expect(page.get_by_role("link", name="Jobs")).to_be_hidden()

    def test_a_gateway_that_is_gone_is_told(self):
        page = self.logged_in()
        self.visit(page, "events", "Events")
        page.context.set_offline(True)
        page.get_by_role("link", name="Endpoints").click()
        expect(page.get_by_role("alert").first).to_contain_text("does not answer")
        self.expected.append("ERR_INTERNET_DISCONNECTED")
        self.check_axe(page)
        self.shot(page, "error")
        page.context.set_offline(False)
        page.get_by_role("button", name="Try again").first.click()
        expect(rows(page).first).to_be_visible()


if __name__ == "__main__":
    unittest.main()
