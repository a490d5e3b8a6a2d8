(id, load, w) => {
  if (!w.snaptr) {
    const snaptr = function () { snaptr.handleRequest ? snaptr.handleRequest.apply(snaptr, arguments) : snaptr.queue.push(arguments); };
    snaptr.queue = [];
    w.snaptr = snaptr;
    load('https://sc-static.net/scevent.min.js');
  }
  w.snaptr('init', id);
  w.snaptr('track', 'PAGE_VIEW');
}
