/** Makes the next item while the reader is still busy with this one. */

/**
 * The items of `source`, always asked for one ahead: llama.cpp computes the next token beside the thread that seals and
 * sends the one before. At most `most` are asked for, each when `step` has it made. A reader that walks away waits for the
 * one in the making.
 */
export async function* readAhead<T>(
  source: AsyncGenerator<T>,
  most: number,
  step: <S>(run: () => Promise<S>) => Promise<S>,
): AsyncGenerator<T, void, undefined> {
  let asked = 0;
  const ask = () => {
    asked += 1;
    const next = step(() => source.next());
    // A reader hears of it when it asks for the next; one that walked away does not care.
    next.catch(() => {});
    return next;
  };
  try {
    let next = most > 0 ? ask() : null;
    while (next !== null) {
      const made = await next;
      if (made.done === true) return;
      next = asked < most ? ask() : null;
      yield made.value;
    }
  } finally {
    await source.return(undefined);
  }
}
