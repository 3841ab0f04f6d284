//! A remote MCP server on Cloudflare Workers.

mod app;
mod tools;

durable_mcp::worker!(app::app);

/// Has the compiler read the code of pages: one line a page.
#[cfg(doctest)]
macro_rules! pages {
    ($($name:ident = $page:literal;)*) => {
        $(#[doc = include_str!($page)] pub struct $name;)*
    };
}

#[cfg(doctest)]
pages! {
    Arguments = "../docs/arguments.md";
    Asking = "../docs/asking.md";
    EightTasks = "../docs/eight-tasks.md";
    IdentityCloudflare = "../docs/identity/cloudflare.md";
    IdentityOwn = "../docs/identity/your-own.md";
    IdentityReadme = "../docs/identity/README.md";
    Layers = "../docs/layers.md";
    Migrating = "../docs/migrating.md";
    Notifications = "../docs/notifications.md";
    OAuth = "../docs/oauth.md";
    Operating = "../docs/operating.md";
    Readme = "../README.md";
    Recipes = "../docs/recipes.md";
    Start = "../docs/start.md";
    State = "../docs/state.md";
    Stateless = "../docs/stateless.md";
    Tasks = "../docs/tasks.md";
    Testing = "../docs/testing.md";
    Tools = "../docs/tools.md";
}
