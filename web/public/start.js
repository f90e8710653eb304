// Before the page itself: where that does not start, it says so instead of staying blank.
{
  const tell = ({ target }) => {
    const app = document.querySelector('#app');
    // A picture that does not come stops nothing; and a page that has begun to show itself speaks for itself.
    if ((target.tagName ?? 'SCRIPT') !== 'SCRIPT' || (app !== null && !app.firstElementChild?.matches('.start'))) return;
    if (app === null) {
      addEventListener('DOMContentLoaded', tell);
      return;
    }
    app.innerHTML =
      '<main class="start-failed" role="alert"><h1>LLMesh did not start.</h1><p>A part of the page did not come, or this browser ' +
      'cannot run it. Check the connection and try again; if that does not help, update the browser, or switch off extensions ' +
      'that block scripts. Your conversations stay.</p><button class="btn btn--go">Try again</button></main>';
    app.querySelector('button').onclick = () => location.reload();
  };
  // What `part-files.ts` fetches for this page, as soon as its address is known.
  const { content = '{}' } = document.querySelector('meta[name=parts]') ?? {};
  for (const file of JSON.parse(content)[location.pathname] ?? [])
    document.head.append(Object.assign(document.createElement('link'), { rel: 'preload', as: 'fetch', crossOrigin: 'anonymous', href: `/assets/${file}` }));
  addEventListener('error', tell, true);
  addEventListener('unhandledrejection', tell);
}
