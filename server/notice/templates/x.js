(id, load, w) => {
  if (!w.twq) {
    const twq = function () { twq.exe ? twq.exe.apply(twq, arguments) : twq.queue.push(arguments); };
    Object.assign(twq, { version: '1.1', queue: [] });
    w.twq = twq;
    load('https://static.ads-twitter.com/uwt.js');
  }
  w.twq('config', id);
}
