// Models that can answer sampling in the person's place. The person sees each answer, and edits it, before it is sent.

export interface SamplingModel {
  name: string;
  /** The result of `sampling/createMessage` for its parameters. */
  answer(params: unknown, signal: AbortSignal): Promise<unknown>;
}

/** Those that there are: the chat adds its model when it is opened. */
export const samplingModels: SamplingModel[] = [];
