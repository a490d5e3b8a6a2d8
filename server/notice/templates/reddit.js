(id, load, w) => {
  if (!w.rdt) {
    const rdt = function () { rdt.sendEvent ? rdt.sendEvent.apply(rdt, arguments) : rdt.callQueue.push(arguments); };
    rdt.callQueue = [];
    w.rdt = rdt;
    load('https://www.redditstatic.com/ads/pixel.js');
  }
  w.rdt('init', id);
  w.rdt('track', 'PageVisit');
}
