// A value as JSON.
import { memo } from "./memo.tsx";

/** Laid out once for a value, however often what stands around it is drawn. */
export const JsonBlock = memo(({ value }: { value: unknown }) => <pre tabIndex={0}>{JSON.stringify(value, undefined, 2)}</pre>);
