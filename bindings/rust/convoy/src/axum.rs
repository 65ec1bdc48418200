//! The gateway in an axum router: a layer that answers its paths and passes the others on.
use std::convert::Infallible;
use std::future::{poll_fn, Future};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::axum::body::Body;
use ::axum::extract::ConnectInfo;
use ::axum::http::{header, HeaderValue, Request as HttpRequest, Response, StatusCode};
use futures_core::Stream;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Begun, Gateway, Incoming, Reply, Request, Result};

/// `Router::layer(convoy::axum::layer(gateway))`. What a request did is durable when it is answered.
/// The sender's address is known if the router is served with `ConnectInfo<SocketAddr>`.
pub fn layer(gateway: Gateway) -> Mount {
    Mount { gateway }
}

#[derive(Clone)]
pub struct Mount {
    gateway: Gateway,
}

impl<S> Layer<S> for Mount {
    type Service = Mounted<S>;

    fn layer(&self, inner: S) -> Mounted<S> {
        Mounted { gateway: self.gateway.clone(), inner }
    }
}

/// A service with the gateway before it.
#[derive(Clone)]
pub struct Mounted<S> {
    gateway: Gateway,
    inner: S,
}

type Answering = Pin<Box<dyn Future<Output = std::result::Result<Response<Body>, Infallible>> + Send>>;

impl<S> Service<HttpRequest<Body>> for Mounted<S>
where
    S: Service<HttpRequest<Body>, Response = Response<Body>, Error = Infallible> + Send,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<std::result::Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        match begin(&self.gateway, &request) {
            Ok(Begun::Declined) => Box::pin(self.inner.call(request)),
            Ok(Begun::Reply(reply)) => Box::pin(async { Ok(response(reply, true)) }),
            Ok(Begun::Incoming(incoming)) => Box::pin(async {
                Ok(read(incoming, request.into_body()).await.unwrap_or_else(|_| unavailable()))
            }),
            Err(_) => Box::pin(async { Ok(unavailable()) }),
        }
    }
}

fn begin(gateway: &Gateway, request: &HttpRequest<Body>) -> Result<Begun> {
    let remote = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let remote_ip = remote.map(|info| info.0.ip().to_string()).unwrap_or_default();
    let headers = request.headers().iter();
    gateway.begin(&Request {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        headers: headers.map(|(name, value)| (name.as_str(), value.as_bytes())).collect(),
        remote_ip: &remote_ip,
        ..Request::default()
    })
}

async fn read(mut incoming: Incoming, body: Body) -> Result<Response<Body>> {
    let mut pieces = body.into_data_stream();
    while let Some(piece) = poll_fn(|context| Pin::new(&mut pieces).poll_next(context)).await {
        let Ok(piece) = piece else {
            return Ok(unavailable()); // the sender went away
        };
        if let Some(refusal) = incoming.feed(&piece)? {
            return Ok(response(refusal, true));
        }
    }
    Ok(response(incoming.finish_async().await?, false))
}

fn response(reply: Reply, is_last: bool) -> Response<Body> {
    let mut builder = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        builder = builder.header(name, value.as_slice());
    }
    if is_last {
        builder = builder.header(header::CONNECTION, HeaderValue::from_static("close"));
    }
    builder.body(Body::from(reply.body)).unwrap_or_else(|_| unavailable())
}

fn unavailable() -> Response<Body> {
    let mut response = Response::new(Body::from("the gateway is not available"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}
