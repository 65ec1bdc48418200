//! Scenario through the Rust crate: scenario SCENARIO FOLDER (scenario.py says more)
use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant, SystemTime};

use convoy::{
    ErrorKind, Event, Failure, Gateway, LogLevel, OutcomeKind, Request, Scheme, Verifier,
};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn fill(step: &Value, saved: &BTreeMap<String, String>) -> Value {
    let mut text = step.to_string();
    for (name, value) in saved {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    serde_json::from_str(&text).unwrap()
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A small executor: any will do.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

struct Run {
    scenario: Value,
    saved: BTreeMap<String, String>,
    gateway: Option<Gateway>,
}

fn request_of(step: &Value) -> Request<'_> {
    let fields = &step["request"];
    let mut request = Request::new(text(&fields["method"]), text(&fields["path"]));
    request.query = text(&fields["query"]);
    request.body = text(&fields["body"]).as_bytes();
    for (name, value) in fields["headers"].as_object().unwrap() {
        request = request.header(name, text(value));
    }
    request
}

fn verifier_of(step: &Value) -> Verifier {
    let mut scheme = Scheme::preset(text(&step["preset"]));
    for secret in list(&step["secrets"]) {
        scheme = scheme.secret(text(secret));
    }
    Verifier::new(&scheme).unwrap()
}

fn verify(step: &Value) {
    let (verifier, request) = (verifier_of(step), request_of(step));
    let verdict = verifier.verify(&request, SystemTime::now()).unwrap();
    let event_id = match verdict.is_accepted {
        true => verifier.event_id(&request).unwrap(),
        false => String::new(),
    };
    let index = verdict.secret_index.map_or(-1, |index| index as i64);
    let seen = serde_json::json!({"is_accepted": verdict.is_accepted, "reason": verdict.reason,
        "secret_index": index, "event_id": event_id, "refusal_status": verdict.refusal_status});
    assert_eq!(seen, step["expect"], "{step}");
}

fn answer(step: &Value) {
    let answer = verifier_of(step).answer(&request_of(step), SystemTime::now()).unwrap();
    let (status, body) = answer.map_or((0, String::new()), |answer| {
        (answer.reply.status, String::from_utf8(answer.reply.body).unwrap())
    });
    assert_eq!(serde_json::json!({"status": status, "body": body}), step["expect"], "{step}");
}

fn behave(step: &Value, event_type: &str, attempt_number: u32) -> Result<(), Failure> {
    let behaviours = list(&step["attempts"][event_type]);
    match behaviours.get(attempt_number as usize - 1).map_or("done", text) {
        "crash" => panic!("crash"),
        "retry" => Err(std::io::Error::other("again"))?,
        "refuse" => return Err(Failure::Refuse { detail: "no".to_owned() }),
        _ => {}
    }
    Ok(())
}

fn open_other(step: &Value) -> convoy::Result<Gateway> {
    let settings = step["settings"].as_object().unwrap().iter();
    Gateway::open(settings.map(|(key, value)| (key, text(value))))
}

fn log_lines(step: &Value) {
    let gateway = open_other(step).unwrap();
    let is_wanted = |event: &str| event == text(&step["line"]);
    let mut lines = gateway.log_lines();
    assert!(lines.any(|line| is_wanted(&line.event) && line.level == LogLevel::Debug), "{step}");
}

impl Run {
    fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    fn play(&mut self) {
        for step in list(&self.scenario["steps"].clone()) {
            let step = fill(step, &self.saved);
            match text(&step["do"]) {
                "presets" => {
                    let presets: Value = serde_json::from_str(&convoy::presets().unwrap()).unwrap();
                    assert!(list(&presets).iter().any(|each| each["name"] == step["includes"]));
                }
                "verify" => verify(&step),
                "answer" => answer(&step),
                "open" => self.open(),
                "call" => self.call(&step),
                "handle" => self.handle(&step),
                "ingest" => self.ingest(&step),
                "deliver" => self.deliver(&step),
                "calls" => self.calls(&step),
                "log_lines" => log_lines(&step),
                "refuse" => {
                    let error = open_other(&step).err().unwrap();
                    assert!(error.message.contains(text(&step["message"])), "{step}: {error}");
                }
                "run" => {
                    let mut words = text(&step["command"]).split(' ');
                    let mut command = std::process::Command::new(words.next().unwrap());
                    assert!(command.args(words).status().unwrap().success(), "{step}");
                }
                "in_flight" => self.in_flight(&step),
                "close" => self.close(),
                other => panic!("{other}"),
            }
        }
    }

    fn open(&mut self) {
        let settings = fill(&self.scenario["settings"], &self.saved);
        let settings = settings.as_object().unwrap().iter();
        let gateway = Gateway::open(settings.map(|(key, value)| (key, text(value)))).unwrap();
        gateway.start().unwrap();
        self.gateway = Some(gateway);
    }

    fn close(&mut self) {
        self.gateway().close(Duration::from_secs(10)).unwrap();
        self.gateway = None;
    }

    fn call(&mut self, step: &Value) {
        let (method, target) = (text(&step["method"]), text(&step["target"]));
        let data: Value = match self.gateway().call_json(method, target, &step["body"]) {
            Ok(data) => data,
            Err(error) => {
                let status = step["refused"].as_u64().unwrap_or(0) as u16;
                assert_eq!(error.kind, ErrorKind::Api(status), "{step}: {error}");
                return;
            }
        };
        assert!(step["refused"].is_null(), "{step}");
        for (name, path) in step["save"].as_object().into_iter().flatten() {
            let value = text(path).split('.').fold(&data, |value, part| &value[part]);
            self.saved.insert(name.clone(), text(value).to_owned());
        }
        for (name, value) in step["expect"].as_object().into_iter().flatten() {
            assert_eq!(&data[name], value, "{step}");
        }
    }

    fn handle(&self, step: &Value) {
        let reply = block_on(self.gateway().handle_request_async(&request_of(step))).unwrap();
        assert_eq!(u64::from(reply.map_or(0, |reply| reply.status)), step["status"], "{step}");
        assert!(self.gateway().handle_request(&Request::new("GET", "/elsewhere")).unwrap().is_none());
    }

    fn ingest(&self, step: &Value) {
        let (event, data) = (&step["event"], step["event"]["data"].to_string());
        let event = Event::new(text(&event["project_id"]), text(&event["type"]), data.as_bytes())
            .idempotency_key(text(&event["idempotency_key"]));
        match self.gateway().ingest(&event) {
            Ok(receipt) => assert_eq!(receipt.is_duplicate, step["is_duplicate"], "{step}"),
            Err(error) => assert_eq!(step["refused"], true, "{step}: {error}"),
        }
    }

    fn deliver(&self, step: &Value) {
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let (seen_bodies, behaviours) = (Arc::clone(&bodies), step.clone());
        let workers = self.gateway().on(text(&step["name"]), 2, move |delivery| {
            seen_bodies.lock().unwrap().push(String::from_utf8(delivery.body.clone()).unwrap());
            behave(&behaviours, &delivery.event_type, delivery.attempt_number)
        });
        let (mut seen, begun) = (Vec::new(), Instant::now());
        while seen.len() < list(&step["outcomes"]).len() && begun.elapsed() < PATIENCE {
            let outcomes = self.gateway().outcomes();
            seen.extend(outcomes.filter(|each| each.kind == OutcomeKind::Delivery).map(|each| {
                serde_json::json!({"kind": 0, "event_type": each.event_type,
                    "outcome": each.outcome}).to_string()
            }));
            std::thread::sleep(Duration::from_millis(5));
        }
        workers.unwrap().stop();
        let sorted = |mut list: Vec<String>| {
            list.sort();
            list
        };
        let expected = list(&step["outcomes"]).iter().map(Value::to_string).collect();
        assert_eq!(sorted(seen), sorted(expected), "{step}");
        let expected = list(&step["bodies"]).iter().map(|each| text(each).to_owned()).collect();
        assert_eq!(sorted(bodies.lock().unwrap().clone()), sorted(expected), "{step}");
    }

    fn calls(&self, step: &Value) {
        let calls = list(&step["calls"]);
        let begin = |each: &Value| {
            self.gateway().call_async(text(&each["method"]), text(&each["target"]), b"")
        };
        let begun: Vec<_> = calls.iter().map(begin).collect();
        for (completion, each) in begun.into_iter().zip(calls) {
            assert_eq!(u64::from(block_on(completion).unwrap().status), each["status"], "{each}");
        }
    }

    fn in_flight(&self, step: &Value) {
        let event = &step["event"];
        let event = Event::new(text(&event["project_id"]), text(&event["type"]), b"{\"n\":4}");
        let (method, target) = (text(&step["method"]), text(&step["target"]));
        let mut completions = Vec::new();
        for _ in 0..step["count"].as_u64().unwrap() {
            completions.push(self.gateway().ingest_async(&event));
            assert_eq!(self.gateway().call(method, target, b"").unwrap().status, 200);
        }
        let ids = completions.into_iter().map(|each| block_on(each).unwrap().event_id);
        assert_eq!(ids.collect::<HashSet<_>>().len() as u64, step["count"]);
    }

    fn check_leftovers(&mut self) {
        let mut cycle = || {
            self.open();
            self.close();
        };
        cycle();
        let (threads, descriptors) = (entries("/proc/self/task"), entries("/proc/self/fd"));
        let cycles = 10;
        for _ in 0..cycles {
            cycle();
        }
        let more = entries("/proc/self/task") as i64 - threads as i64;
        let more_max = self.scenario["threads_more_max"].as_i64().unwrap();
        assert!(more <= more_max, "{more} threads left");
        assert_eq!(entries("/proc/self/fd"), descriptors, "descriptors left");
        println!("after {cycles} gateways: {more} threads and 0 descriptors more");
    }

    fn measure(&mut self) {
        let step = self.scenario["steps"][1].clone();
        let (verifier, request) = (verifier_of(&step), request_of(&step));
        let (count, begun) = (self.scenario["verify_count"].as_u64().unwrap(), Instant::now());
        for _ in 0..count {
            verifier.verify(&request, SystemTime::now()).unwrap();
        }
        let verify_us = begun.elapsed().as_secs_f64() * 1e6 / count as f64;

        self.open();
        let mut left = self.scenario["deliver_count"].as_u64().unwrap() as usize;
        let event = Event::new(&self.saved["out"], "order.good", b"{}");
        let stored: Vec<_> = (0..left).map(|_| self.gateway().ingest_async(&event)).collect();
        stored.into_iter().for_each(|each| drop(block_on(each).unwrap()));
        let (count, begun) = (left as f64, Instant::now());
        let mut deliveries = self.gateway().deliveries("orders");
        while left > 0 {
            block_on(deliveries.next()).unwrap().done().unwrap();
            left -= 1;
        }
        let rate = count / begun.elapsed().as_secs_f64();
        drop(deliveries);
        self.close();
        println!("verify {verify_us:.1} µs, local delivery {rate:.0}/s");
    }
}

fn entries(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let scenario = serde_json::from_str(&std::fs::read_to_string(&arguments[1]).unwrap()).unwrap();
    let saved = BTreeMap::from([("folder".to_owned(), arguments[2].clone())]);
    let mut run = Run { scenario, saved, gateway: None };
    run.play();
    run.check_leftovers();
    run.measure();
    println!("scenario passed");
}
