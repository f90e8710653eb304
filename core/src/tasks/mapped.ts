/** Each value of a generator as another, with no generator of its own between: that would cost each token two turns more. */
export function mapped<T, R, T2, R2>(
  inner: AsyncGenerator<T, R, undefined>,
  each: (value: T) => T2,
  last: (value: R) => R2,
): AsyncGenerator<T2, R2, undefined> {
  const pass = (result: IteratorResult<T, R>): IteratorResult<T2, R2> => {
    if (result.done === true) return { done: true, value: last(result.value) };
    try {
      return { done: false, value: each(result.value) };
    } catch (thrown) {
      // Nobody asks for more of it: it is to stop. What it throws meanwhile says less than what was thrown here.
      inner.return(undefined as never).catch(() => {});
      throw thrown;
    }
  };
  return {
    next: () => inner.next().then(pass),
    return: async (value) => {
      await inner.return(undefined as never);
      return { done: true, value: await value };
    },
    throw: (thrown) => inner.throw(thrown).then(pass),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
