(id, load, w) => {
  w._linkedin_partner_id = id;
  (w._linkedin_data_partner_ids = w._linkedin_data_partner_ids || []).push(id);
  if (w.lintrk) return;
  w.lintrk = (what, data) => w.lintrk.q.push([what, data]);
  w.lintrk.q = [];
  load('https://snap.licdn.com/li.lms-analytics/insight.min.js');
}
