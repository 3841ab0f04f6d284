// A Worker that has the tested one believe that the time of its cron trigger has come.
export const TIMER = `export default {
  async fetch(request, env) {
    const { outcome } = await env.MAIN.scheduled({ cron: "17 4 * * *" });
    return new Response(outcome);
  }
}`;

/** Its compatibility flag: only so do bindings of Workers have more than `fetch`. */
export const TIMER_FLAGS = ["service_binding_extra_handlers"];
