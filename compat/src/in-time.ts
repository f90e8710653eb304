/** Rejects when `done` takes longer than `ms`. */
export function inTime<T>(done: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`It took longer than ${ms / 1000} s.`)), ms);
    done.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
