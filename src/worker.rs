//! The wasm exports: the Worker and its Durable Objects.

/// Stamps the Worker's exports for an application: the `fetch` handler and the classes `McpObject` and `KeyRing`.
///
/// It takes a function from the Worker's bindings to an [`App`](crate::http::App); a crate that uses it depends on
/// `durable-mcp` without its default features, on `worker`, and for its derives on `serde` and `schemars`.
///
/// ```ignore
/// fn app(_env: &worker::Env) -> durable_mcp::App {
///     durable_mcp::App::new(Server::new("mine", "1.0.0").tool("add", "Add two numbers", add))
/// }
/// durable_mcp::worker!(app);
/// ```
#[macro_export]
macro_rules! worker {
    ($app:path) => {
        ::std::thread_local! {
            static APP: ::std::cell::OnceCell<::std::rc::Rc<$crate::App>> = const { ::std::cell::OnceCell::new() };
        }

        /// The application, made once in each isolate.
        fn app_of(env: &::worker::Env) -> ::std::rc::Rc<$crate::App> {
            APP.with(|app| ::std::rc::Rc::clone(app.get_or_init(|| $crate::platform::worker::start($app(env), env))))
        }

        /// The handler of requests. In a module of its own, since what the attribute adds to it has no documentation.
        mod requests {
            use ::worker::wasm_bindgen::prelude::*;
            use ::worker::wasm_bindgen;

            /// Every request to the Worker.
            #[expect(unreachable_pub, reason = "the attribute takes public functions, and exports this one itself")]
            #[wasm_bindgen]
            pub fn fetch(
                request: ::worker::worker_sys::web_sys::Request,
                env: ::worker::Env,
                _: ::worker::wasm_bindgen::JsValue,
            ) -> ::worker::js_sys::Promise {
                let app = super::app_of(&env);
                $crate::platform::worker::fetch(request, env, &app)
            }
        }

        /// Its Durable Objects. In a module of their own, since what the attribute adds to them has no documentation.
        mod durable_objects {
            use ::worker::wasm_bindgen;

            use super::app_of;

            /// The Durable Object behind a session.
            #[::worker::durable_object]
            #[derive(Debug)]
            pub struct McpObject($crate::platform::McpObject);

            impl ::worker::DurableObject for McpObject {
                fn new(state: ::worker::State, env: ::worker::Env) -> Self {
                    let app = app_of(&env);
                    Self($crate::platform::McpObject::new(state, env, &app))
                }

                async fn fetch(&self, request: ::worker::Request) -> ::worker::Result<::worker::Response> {
                    self.0.fetch(request).await
                }

                async fn alarm(&self) -> ::worker::Result<::worker::Response> {
                    self.0.alarm()
                }

                async fn websocket_message(
                    &self,
                    _: ::worker::WebSocket,
                    _: ::worker::WebSocketIncomingMessage,
                ) -> ::worker::Result<()> {
                    Ok(())
                }

                async fn websocket_close(
                    &self,
                    socket: ::worker::WebSocket,
                    _: usize,
                    _: String,
                    _: bool,
                ) -> ::worker::Result<()> {
                    self.0.closed(&socket);
                    Ok(())
                }

                async fn websocket_error(
                    &self,
                    socket: ::worker::WebSocket,
                    _: ::worker::Error,
                ) -> ::worker::Result<()> {
                    self.0.closed(&socket);
                    Ok(())
                }
            }

            /// The Durable Object that keeps the deployment's keys.
            #[::worker::durable_object]
            #[derive(Debug)]
            pub struct KeyRing($crate::platform::KeyRing);

            impl ::worker::DurableObject for KeyRing {
                fn new(state: ::worker::State, env: ::worker::Env) -> Self {
                    Self($crate::platform::KeyRing::new(state, &app_of(&env)))
                }

                async fn fetch(&self, _: ::worker::Request) -> ::worker::Result<::worker::Response> {
                    self.0.fetch()
                }
            }
        }
    };
}

#[cfg(feature = "entry")]
crate::worker!(crate::app::app);
