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
      return [keep, errorMessage(text)];
    }
    return [{ contents, name, number: Date.now() }, keep];
  },

  /* Keep what the boxes were, for stepBack. */
  remember(text, task, source) {
    const triggered = window.dash_clientside.callback_context.triggered;
    if (triggered.some((item) => item.prop_id === 'source.data')) {
      past = [];
    }
    if (text === past.at(-1)?.text) {
      past.at(-1).task = task;
    } else {
      past = [...past.slice(-99), { text, task }];
    }
    return past.length < 2;
  },

  stepBack() {
    if (past.length < 2) {
      throw window.dash_clientside.PreventUpdate;
    }
    past.pop();
    return [past.at(-1).text, past.at(-1).task];
  },

  /* Save the graph as it is drawn. */
  drawGraph(png, svg, source) {
    const clicked = window.dash_clientside.callback_context.triggered_id;
    const type = clicked === 'download-png' ? 'png' : 'svg';
    const filename = (source?.name ?? 'graph').replace(/\.[^.]*$/, '');
    const scale = type === 'png' ? 2 : 1;
    const options = { full: true, scale, bg: 'white', output: 'base64uri' };
    return { type, action: 'download', filename, options };
  },
};

let past = []; // boxes as text and tasks, the last is what is shown

function errorMessage(text) {
  const props = { className: 'error', children: text };
  return { namespace: 'dash_html_components', type: 'Span', props };
}

/* Open a file as if it had been chosen. */
function openFile(file) {
  const input = document.querySelector('#upload input');
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
}

document.addEventListener('paste', (event) => {
  const [file] = event.clipboardData?.files ?? [];
  if (file) {
    event.preventDefault();
    openFile(file);
  }
});

/* A click on the image, not a box that is drawn, chooses what lies there. */
let pressed = null;

document.addEventListener(
  'pointerdown',
  (event) => {
    const inside = event.target.closest?.('#image-view');
    pressed = inside ? [event.clientX, event.clientY] : null;
  },
  true,
);

document.addEventListener(
  'pointerup',
  (event) => {
    const { clientX, clientY } = event;
    const start = pressed;
    pressed = null;
    if (!start || Math.hypot(clientX - start[0], clientY - start[1]) > 4) {
      return;
    }
    const plot = document.querySelector('#image-view .js-plotly-plot');
    const area = plot.querySelector('.nsewdrag').getBoundingClientRect();
    const { xaxis, yaxis } = plot._fullLayout;
    const x = xaxis.p2d(clientX - area.left);
    const y = yaxis.p2d(clientY - area.top);
    const data = { x, y, number: Date.now() };
    window.dash_clientside.set_props('clicked', { data });
  },
  true,
);

/* The camera is on only while its window is open. */
const element = (id) => document.getElementById(id);

async function openCamera() {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: true });
    element('camera-view').srcObject = stream;
    element('camera-window').showModal();
  } catch (error) {
    // without HTTPS, all but this machine have no mediaDevices
    const why = navigator.mediaDevices ? error.message : 'it needs HTTPS';
    const children = errorMessage(`There is no camera: ${why}.`);
    window.dash_clientside.set_props('message', { children });
  }
}

function endCamera() {
  const view = element('camera-view');
  view.srcObject?.getTracks().forEach((track) => track.stop());
  view.srcObject = null;
  element('camera-window').close();
}

function takePicture() {
  const view = element('camera-view');
  const canvas = document.createElement('canvas');
  canvas.width = view.videoWidth;
  canvas.height = view.videoHeight;
  canvas.getContext('2d').drawImage(view, 0, 0);
  endCamera();
  canvas.toBlob(
    (blob) => openFile(new File([blob], 'camera.jpg', { type: blob.type })),
    'image/jpeg',
    0.92,
  );
}

document.addEventListener('click', (event) => {
  const handlers = {
    camera: openCamera,
    'camera-take': takePicture,
    'camera-end': endCamera,
  };
  handlers[event.target.id]?.();
});

document.addEventListener('cancel', endCamera, true); // by the escape key

/* The area that two boxes share, given by centre, width and height. */
function overlap(one, other) {
  const x = (one.w + other.w) / 2 - Math.abs(one.x - other.x);
  const y = (one.h + other.h) / 2 - Math.abs(one.y - other.y);
  return Math.max(x, 0) * Math.max(y, 0);
}

/* Labels stand in the middle of their edges, where two that cross hide one
   another: the later one moves along its edge. */
function spreadLabels({ cy }) {
  const taken = cy
    .nodes()
    .map((node) => ({ ...node.position(), w: node.width(), h: node.height() }));
  for (const edge of cy.edges().toArray()) {
    const { x, y } = edge.midpoint();
    const [from, to] = [edge.sourceEndpoint(), edge.targetEndpoint()];
    const places = [0, 0.12, -0.12, 0.24, -0.24, 0.36, -0.36].map((part) => ({
      x: x + part * (to.x - from.x),
      y: y + part * (to.y - from.y),
      w: edge.data('width'),
      h: 18,
    }));
    const hidden = places.map((place) =>
      taken.reduce((sum, other) => sum + overlap(place, other), 0),
    );
    const place = places[hidden.indexOf(Math.min(...hidden))];
    edge.data({ shift_x: place.x - x, shift_y: place.y - y });
    taken.push(place);
  }
}

/* Names for what Dash leaves without one, and labels for its graph. */
new MutationObserver(() => {
  const cy = element('graph-view')?._cyreg?.cy;
  if (cy && !cy.scratch('spreadLabels')) {
    cy.scratch('spreadLabels', true);
    cy.on('layoutstop free', spreadLabels);
  }
  for (const slider of document.querySelectorAll('.slider')) {
    const name = slider.querySelector('label').firstChild.textContent;
    const thumb = slider.querySelector('[role=slider]:not([aria-label])');
    thumb?.setAttribute('aria-label', name);
  }
}).observe(document, { childList: true, subtree: true });

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
