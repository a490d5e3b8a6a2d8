(id, load, w) => {
  w.uetq = w.uetq || [];
  load('https://bat.bing.com/bat.js', () => {
    w.uetq = new w.UET({ ti: id, enableAutoSpaTracking: true, q: w.uetq });
    w.uetq.push('pageLoad');
  });
}
