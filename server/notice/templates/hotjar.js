(id, load, w) => {
  w.hj = w.hj || function () { (w.hj.q = w.hj.q || []).push(arguments); };
  w._hjSettings = { hjid: Number(id), hjsv: 6 };
  load('https://static.hotjar.com/c/hotjar-' + id + '.js?sv=6');
}
