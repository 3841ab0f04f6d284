//! The wasm exports: the Worker and its Durable Objects.

/// Stamps the Worker's exports for an application: the `fetch` and `scheduled` handlers and the classes `McpObject`,
/// `McpHub`, `McpTask`, `KeyRing` and `GrantAuthority`.
///
/// The macro takes a function from the Worker's bindings to an [`App`](crate::http::App); a crate that uses it depends on
/// `durable-mcp`, and for its derives on `serde` and `schemars`. [`worker`](mod@crate::worker) is part of this crate.
///
/// ```ignore
/// use durable_mcp::worker;
///
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
        fn app_of(env: &$crate::worker::Env) -> ::std::rc::Rc<$crate::App> {
            APP.with(|app| {
                ::std::rc::Rc::clone(app.get_or_init(|| {
                    $crate::platform::worker::prepare();
                    $crate::platform::worker::start($app(env), env)
                }))
            })
        }

        /// The handler of requests. In a module of its own, since what the attribute adds to it has no documentation.
        mod requests {
            use $crate::worker;
            use $crate::worker::wasm_bindgen::prelude::*;

            /// Every request to the Worker.
            #[expect(unreachable_pub, reason = "the attribute takes public functions, and exports this one itself")]
            #[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
            pub fn fetch(
                request: $crate::worker::worker_sys::web_sys::Request,
                env: $crate::worker::Env,
                context: $crate::worker::wasm_bindgen::JsValue,
            ) -> $crate::worker::js_sys::Promise {
                let app = super::app_of(&env);
                $crate::platform::worker::fetch(request, env, context, &app)
            }

            /// The time that a cron trigger sets.
            #[expect(unreachable_pub, reason = "the attribute takes public functions, and exports this one itself")]
            #[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
            pub fn scheduled(
                _: $crate::worker::wasm_bindgen::JsValue,
                env: $crate::worker::Env,
                context: $crate::worker::wasm_bindgen::JsValue,
            ) -> $crate::worker::js_sys::Promise {
                let app = super::app_of(&env);
                $crate::platform::worker::scheduled(env, context, &app)
            }
        }

        /// The Worker's Durable Objects, in a module of their own, since items that the attribute adds have no documentation.
        ///
        /// The classes are bound here and not by `worker::durable_object`, which would read the URL, method and `cf` of each
        /// request whether or not they are used.
        mod durable_objects {
            use $crate::worker::wasm_bindgen::prelude::*;
            use $crate::worker::worker_sys::{DurableObjectState, web_sys};
            use $crate::worker::{self, wasm_bindgen};

            use super::app_of;

            /// The Durable Object behind a session.
            #[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
            #[derive(Debug)]
            pub struct McpObject($crate::platform::McpObject);

            #[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
            impl McpObject {
                /// The object that has just woken.
                #[wasm_bindgen(constructor)]
                #[must_use]
                pub fn new(state: DurableObjectState, env: $crate::worker::Env) -> Self {
                    let app = app_of(&env);
                    Self($crate::platform::McpObject::new(state.into(), env, &app))
                }

                /// Answers a request that the Worker passed on.
                pub fn fetch(&self, request: web_sys::Request) -> $crate::worker::js_sys::Promise {
                    self.0.fetch(request)
                }

                /// The time that the object ordered has come.
                ///
                /// # Errors
                /// When storage fails; the runtime tries again.
                pub fn alarm(&self) -> ::std::result::Result<(), JsValue> {
                    self.0.alarm().map_err(JsValue::from)
                }

                /// Streams go one way: what comes back on a socket is nothing.
                #[wasm_bindgen(js_name = webSocketMessage)]
                pub fn web_socket_message(&self) {}

                /// A stream's other end has gone.
                #[wasm_bindgen(js_name = webSocketClose)]
                pub fn web_socket_close(&self, socket: web_sys::WebSocket) {
                    self.0.closed(&socket.into());
                }

                /// A stream broke.
                #[wasm_bindgen(js_name = webSocketError)]
                pub fn web_socket_error(&self, socket: web_sys::WebSocket) {
                    self.0.closed(&socket.into());
                }
            }

            /// The Durable Object that everything published goes through.
            #[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
            #[derive(Debug)]
            pub struct McpHub($crate::platform::McpHub);

            #[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
            impl McpHub {
                /// The object that has just woken.
                #[wasm_bindgen(constructor)]
                #[must_use]
                pub fn new(state: DurableObjectState, env: $crate::worker::Env) -> Self {
                    // The application sets the places of objects, so it is made in this object too.
                    app_of(&env);
                    Self($crate::platform::McpHub::new(state.into(), env))
                }

                /// Answers the Worker and the objects of sessions.
                pub fn fetch(&self, request: web_sys::Request) -> $crate::worker::js_sys::Promise {
                    self.0.fetch(request)
                }

                /// The time that the object ordered has come.
                pub fn alarm(&self) -> $crate::worker::js_sys::Promise {
                    self.0.alarm()
                }

                /// Streams go one way: what comes back on a socket is nothing.
                #[wasm_bindgen(js_name = webSocketMessage)]
                pub fn web_socket_message(&self) {}

                /// A stream's other end has gone.
                #[wasm_bindgen(js_name = webSocketClose)]
                pub fn web_socket_close(&self, socket: web_sys::WebSocket) {
                    self.0.closed(&socket.into());
                }

                /// A stream broke.
                #[wasm_bindgen(js_name = webSocketError)]
                pub fn web_socket_error(&self, socket: web_sys::WebSocket) {
                    self.0.closed(&socket.into());
                }
            }

            /// The Durable Object behind a task.
            #[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
            #[derive(Debug)]
            pub struct McpTask($crate::platform::McpTask);

            #[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
            impl McpTask {
                /// The object that has just woken.
                #[wasm_bindgen(constructor)]
                #[must_use]
                pub fn new(state: DurableObjectState, env: $crate::worker::Env) -> Self {
                    let app = app_of(&env);
                    Self($crate::platform::McpTask::new(state.into(), env, &app))
                }

                /// Carries out what the Worker was asked for.
                pub fn fetch(&self, request: web_sys::Request) -> $crate::worker::js_sys::Promise {
                    self.0.fetch(request)
                }

                /// The time that the object ordered has come.
                ///
                /// # Errors
                /// When storage fails; the runtime tries again.
                pub fn alarm(&self) -> ::std::result::Result<(), JsValue> {
                    self.0.alarm().map_err(JsValue::from)
                }
            }

            /// The Durable Object that keeps the deployment's keys.
            #[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
            #[derive(Debug)]
            pub struct KeyRing($crate::platform::KeyRing);

            #[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
            impl KeyRing {
                /// The object that has just woken.
                #[wasm_bindgen(constructor)]
                #[must_use]
                pub fn new(state: DurableObjectState, env: $crate::worker::Env) -> Self {
                    Self($crate::platform::KeyRing::new(state.into(), &app_of(&env)))
                }

                /// Gives the keys to the Worker.
                pub fn fetch(&self) -> $crate::worker::js_sys::Promise {
                    self.0.fetch()
                }
            }

            /// The Durable Object that keeps the grants of one user.
            #[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
            #[derive(Debug)]
            pub struct GrantAuthority($crate::platform::GrantAuthority);

            #[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
            impl GrantAuthority {
                /// The object that has just woken.
                #[wasm_bindgen(constructor)]
                #[must_use]
                pub fn new(state: DurableObjectState, env: $crate::worker::Env) -> Self {
                    let app = app_of(&env);
                    Self($crate::platform::GrantAuthority::new(state.into(), env, &app))
                }

                /// Carries out a command of the Worker's.
                pub fn fetch(&self, request: web_sys::Request) -> $crate::worker::js_sys::Promise {
                    self.0.fetch(request)
                }

                /// The time that the object ordered has come.
                pub fn alarm(&self) -> $crate::worker::js_sys::Promise {
                    self.0.alarm()
                }
            }
        }
    };
}
