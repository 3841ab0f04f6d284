// Collections that keep the newest of what others send without an end.

/** A map whose oldest entry goes once there are more than `max`. An entry that is set again counts as new. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #max: number;

  constructor(max: number) {
    super();
    this.#max = max;
  }

  override set(key: Key, value: Value): this {
    this.delete(key);
    super.set(key, value);
    for (const oldest of this.keys()) {
      if (this.size <= this.#max) break;
      this.delete(oldest);
    }
    return this;
  }
}

/** A list with one more at its end, and without the oldest beyond `max`. */
export const withNewest = <T>(list: readonly T[], one: T, max: number): T[] => [...list.filter((other) => other !== one), one].slice(-max);
