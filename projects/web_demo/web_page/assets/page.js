/* The little that must happen in the browser. */

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.mmsgg = {
  /* Refuse a large file before it is sent. */
  takeUpload(contents, name, maxBytes) {
    const keep = window.dash_clientside.no_update;
    if (!contents) {
      return [keep, keep];
    }
    const bytes = ((contents.length - contents.indexOf(',')) * 3) / 4;
    if (bytes > maxBytes + 4) {
      const size = (number) => (number / 2 ** 20).toFixed(1) + ' MB';
      const text =
        `'${name}' has ${size(bytes)}; at most ${size(maxBytes)} are taken.`;
      const error = { className: 'error', children: text };
      return [
        keep,
        { namespace: 'dash_html_components', type: 'Span', props: error },
      ];
    }
    return [{ contents, name, number: Date.now() }, keep];
  },
};

/* Cytoscape remembers where it stands on the page, and does not notice when
   something above it grows; it must look again before it handles the mouse. */
document.addEventListener(
  'pointerover',
  (event) => {
    const view = event.target.closest?.('#graph-view');
    view?._cyreg?.cy.resize();
  },
  true,
);

window.addEventListener('resize', () => {
  document.querySelector('#graph-view')?._cyreg?.cy.resize().fit(undefined, 24);
});
