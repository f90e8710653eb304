/** The catalogue of the mesh, fetched until it is there. */
import { getJson } from '../adapters/get-json.ts';
import { warn } from '../adapters/log.ts';
import { ModelCatalogue } from '../state/catalogue.svelte.ts';
import type { Visit } from './visit.ts';

export function composeCatalogue({ store, control, news }: Visit): ModelCatalogue {
  const catalogue = new ModelCatalogue({ getJson, store, failed: (error) => warn('the models', error) });
  // Its facts are optional: asked for with each connection until they arrive.
  control.on('state', (state) => {
    if (state !== 'open') return;
    catalogue.load().then(
      () => news.tell('known'),
      (error: unknown) => warn('no catalogue', error),
    );
  });
  return catalogue;
}
