(id, load, w) => {
  if (!w.pintrk) {
    const pintrk = function () { pintrk.queue.push([].slice.call(arguments)); };
    Object.assign(pintrk, { queue: [], version: '3.0' });
    w.pintrk = pintrk;
    load('https://s.pinimg.com/ct/core.js');
  }
  w.pintrk('load', id);
  w.pintrk('page');
}
