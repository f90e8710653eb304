/** Maps each value of a generator, without another generator in between: that would cost each token two more turns. */
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
      // Nobody wants more of it, so it should stop. Any error of its own says less than the one thrown here.
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
