/** Reads what was kept, which an older or newer page, or somebody with the browser's tools, may have written. */
import * as v from 'valibot';

/** null: it is not of this shape. */
export function parserOf<S extends v.GenericSchema>(schema: S): (value: unknown) => v.InferOutput<S> | null {
  return (value) => {
    const read = v.safeParse(schema, value);
    return read.success ? read.output : null;
  };
}
