// Before the page itself: where that does not start, it says so instead of staying blank. In the words of every browser, old ones, too.
(function () {
  function started() {
    var app = document.getElementById('app');
    return app !== null && app.childElementCount > 0;
  }
  function tell(event) {
    // A picture that does not come stops nothing.
    if (event.target instanceof HTMLElement && event.target.tagName !== 'SCRIPT') return;
    if (started()) return;
    var app = document.getElementById('app');
    if (app === null) {
      addEventListener('DOMContentLoaded', tell, { once: true });
      return;
    }
    var box = document.createElement('main');
    box.className = 'start-failed';
    box.setAttribute('role', 'alert');
    var heading = document.createElement('h1');
    heading.textContent = 'LLMesh did not start.';
    var words = document.createElement('p');
    words.textContent =
      'A part of the page did not come, or this browser cannot run it. Check the connection and try again. If that does not help, ' +
      'update the browser, or switch off extensions that block scripts. Your conversations stay in this browser.';
    var again = document.createElement('button');
    again.type = 'button';
    again.className = 'btn btn--go';
    again.textContent = 'Try again';
    again.addEventListener('click', function () {
      location.reload();
    });
    box.append(heading, words, again);
    app.append(box);
  }
  addEventListener('error', tell, true);
  addEventListener('unhandledrejection', tell);
})();
