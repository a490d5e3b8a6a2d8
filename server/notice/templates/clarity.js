(id, load, w) => {
  w.clarity = w.clarity || function () { (w.clarity.q = w.clarity.q || []).push(arguments); };
  load('https://www.clarity.ms/tag/' + id);
}
