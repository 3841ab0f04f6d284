//! A picture from Workers AI, where the deployment has the binding.

use durable_mcp::prelude::*;

const BINDING: &str = "AI";
const MODEL: &str = "@cf/black-forest-labs/flux-1-schnell";

#[derive(Deserialize, JsonSchema)]
pub(super) struct Picture {
    /// What to draw
    prompt: String,
}

#[derive(Serialize)]
struct Input {
    prompt: String,
}

#[derive(Deserialize)]
struct Drawn {
    image: String,
}

pub(super) fn is_available(env: &worker::Env) -> bool {
    env.ai(BINDING).is_ok()
}

pub(super) async fn generate_image(
    env: Env,
    Args(Picture { prompt }): Args<Picture>,
) -> Result<Content, ToolError> {
    let drawn = env.ai(BINDING)?.run(MODEL, Input { prompt }).await;
    // A refusal says what is wrong with the prompt, which the model can change.
    let drawn: Drawn = drawn.map_err(ToolError::new)?;
    Ok(Content::Image {
        data: drawn.image,
        mime_type: "image/jpeg".to_owned(),
        annotations: None,
    })
}
