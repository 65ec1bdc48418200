//! Webhooks of GitHub in an axum server, handled in this process: example DATABASE PORT
use axum::{routing::get, Router};
use convoy::{Gateway, Result};
use serde_json::{json, Value};

/// The link for GitHub; the first time it is made, with an endpoint in this process.
fn link_of(gateway: &Gateway) -> Result<Value> {
    let projects: Value = gateway.call_json("GET", "/api/v1/projects", &())?;
    if let Some(uid) = projects[0]["uid"].as_str() {
        let path = format!("/api/v1/projects/{uid}/sources");
        let sources: Value = gateway.call_json("GET", &path, &())?;
        return Ok(sources["content"][0]["url"].clone());
    }
    let post = |path: &str, body: Value| gateway.call_json::<Value>("POST", path, &body);
    let made = post("/api/v1/projects", json!({"name": "shop", "type": "incoming"}))?;
    let path = format!("/api/v1/projects/{}", made["project"]["uid"].as_str().unwrap_or_default());
    let source = post(
        &format!("{path}/sources"),
        json!({"name": "github", "type": "http", "verifier": {"type": "preset",
            "preset": {"name": "github", "secrets": ["a shared secret"]}}}),
    )?;
    let endpoint =
        post(&format!("{path}/endpoints"), json!({"name": "here", "url": "local:orders"}))?;
    post(
        &format!("{path}/subscriptions"),
        json!({"name": "github", "endpoint_id": endpoint["uid"], "source_id": source["uid"]}),
    )?;
    Ok(source["url"].clone())
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let address = format!("127.0.0.1:{}", arguments[2]);
    let gateway = Gateway::open([
        ("storage.path", arguments[1].as_str()),
        ("local.names", "orders"),
        ("gateway.public_url", &format!("http://{address}")),
    ])?;
    gateway.start()?;
    println!("link {}", link_of(&gateway)?.as_str().unwrap_or_default());

    let mut deliveries = gateway.deliveries("orders");
    tokio::spawn(async move {
        while let Some(delivery) = deliveries.next().await {
            println!("event {}", String::from_utf8_lossy(&delivery.body));
            let _ = delivery.done(); // or retry, fail; an error: it was too late and comes again
        }
    });
    let router = Router::new().route("/", get(|| async { "hello" }));
    let app = router.layer(convoy::axum::layer(gateway));
    axum::serve(tokio::net::TcpListener::bind(&address).await?, app).await?;
    Ok(())
}
