/** The next one is made while the reader is still busy with this one. */

/**
 * The items of `source`, always asked for one ahead: llama.cpp computes the next token beside the thread that seals and
 * sends the one before. At most `most` are asked for, none while `held` gives something to wait for. A reader that walks
 * away waits for the one in the making.
 */
export async function* readAhead<T>(
  source: AsyncGenerator<T>,
  most: number,
  held: () => Promise<void> | null,
): AsyncGenerator<T, void, undefined> {
  let asked = 0;
  const ask = () => {
    asked += 1;
    const next = held()?.then(() => source.next()) ?? source.next();
    // Who reads hears of it when it asks; who has walked away does not care.
    next.catch(() => {});
    return next;
  };
  try {
    let next = most > 0 ? ask() : null;
    while (next !== null) {
      const step = await next;
      if (step.done === true) return;
      next = asked < most ? ask() : null;
      yield step.value;
    }
  } finally {
    await source.return(undefined);
  }
}
