// The page's way to this deployment's model, and the sign-in to it.
import { type Json, write } from "../exact.ts";
import type { ChatRequest, Problem } from "../protocol.ts";
import { ModelProblem } from "../chat/conversation.ts";
import type { WorkerEvent, WorkerRpc } from "./worker-rpc.ts";
import { DeploymentSignIn } from "./deployment-sign-in.ts";
import { type Page, DEPLOYMENT } from "./page.ts";

export class ChatAccount extends DeploymentSignIn {
  #rpc: WorkerRpc;
  #last = 0;
  #hearing = new Map<number, (piece: string) => void>();

  constructor(page: Page) {
    super("chat", (request) => page.askDeployment(request));
    this.#rpc = page.rpcForChat((event) => this.#hear(event));
  }

  /** Asks the model. Pieces of its answer come as they are. */
  async ask(body: Json, hear: (piece: string) => void, signal: AbortSignal): Promise<void> {
    const call = ++this.#last;
    this.#hearing.set(call, hear);
    signal.addEventListener("abort", () => void this.#chat({ kind: "stop", call }));
    try {
      const problem = (await this.#chat({ kind: "ask", call, url: new URL("/playground/chat", location.href).href, body: write(body) })) as Problem | null;
      if (problem?.kind === "unauthorized") void this.admit();
      if (problem) throw new ModelProblem(problem);
    } finally {
      this.#hearing.delete(call);
    }
  }

  #chat(request: ChatRequest): Promise<unknown> {
    return this.#rpc.ask(DEPLOYMENT, "chat", request);
  }

  #hear(event: WorkerEvent): void {
    if ("chat" in event) this.#hearing.get(event.chat.call)?.(event.chat.piece);
  }
}
