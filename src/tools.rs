//! The demo server. Each file is a tool or two, to be copied and changed.

mod booking;
mod calculator;
mod cloudflare;
mod countdown;
mod counter;
mod dice;
mod greeting;
mod image;
mod report;
mod whoami;

use durable_mcp::prelude::*;

/// The server. Lists show its features in this order.
#[must_use]
pub(crate) fn server(env: &worker::Env) -> Server {
    let server = without_bindings();
    if image::is_available(env) {
        server.with(
            Tool::new(
                "generate_image",
                "Draw a picture of a description",
                image::generate_image,
            )
            .title("Draw a picture")
            .read_only()
            .open_world(true),
        )
    } else {
        server
    }
}

/// The features that need no binding of the Worker, as tests have them.
fn without_bindings() -> Server {
    let server = Server::new("durable-mcp-demo", env!("CARGO_PKG_VERSION"))
        .title("Durable MCP demo")
        .description("A remote MCP server in Rust on Cloudflare Workers.")
        .instructions(
            "Tools to try a remote server with: arithmetic, a counter that each session has for itself, and more.",
        )
        .with(calculator::add)
        .with(
            Tool::new("calculate", "Do arithmetic with two numbers", calculator::calculate)
                .title("Calculate")
                .read_only()
                .open_world(false),
        )
        .with(
            Tool::new("increment", "Add to this session's counter", counter::increment)
                .title("Increment the counter")
                .destructive(false)
                .open_world(false),
        )
        .resource("counter", "mcp://resource/counter", counter::counter)
        .on_state_update(counter::announce)
        .with(
            Tool::new("whoami", "Tell who is signed in", whoami::whoami).title("Who am I?").read_only().open_world(false),
        )
        .with(
            Tool::new("countdown", "Count down, reporting progress", countdown::countdown)
                .title("Count down")
                .read_only()
                .open_world(false),
        );
    let server = add_greetings(add_dialogues(server));
    if cfg!(feature = "sign-in") {
        cloudflare::add_to(server)
    } else {
        server
    }
}

/// Tools that show a page, ask the person or go on as tasks.
fn add_dialogues(server: Server) -> Server {
    server
        .with(UiPage::new("dice", dice::PAGE, dice::HTML))
        .with(
            Tool::new("roll_dice", "Roll dice", dice::roll)
                .title("Roll dice")
                .read_only()
                .open_world(false)
                .page(dice::PAGE),
        )
        .with(
            Tool::new(
                "write_report",
                "Write a report; asks how long, and takes its time",
                report::write_report,
            )
            .title("Write a report")
            .destructive(false)
            .open_world(false)
            .task_optional(),
        )
        .with(
            Tool::new(
                "book_table",
                "Book a table; asks how many people come",
                booking::book_table,
            )
            .title("Book a table")
            .destructive(false)
            .open_world(true),
        )
}

/// The template and the prompt.
fn add_greetings(server: Server) -> Server {
    server
        .with(
            ResourceTemplate::new(
                "greeting",
                "greeting://{language}/{name}",
                greeting::greeting,
            )
            .description("A greeting in a language")
            .complete("language", greeting::languages),
        )
        .with(
            Prompt::new("greet", "Greet somebody in a language", greeting::greet)
                .complete("language", greeting::languages),
        )
}

#[cfg(test)]
mod tests {
    use super::without_bindings;

    #[test]
    fn the_demo_follows_the_rules_of_directories_without_problems() {
        assert_eq!(without_bindings().problems(), [""; 0]);
        assert_eq!(without_bindings().advice(), [""; 0]);
    }
}
