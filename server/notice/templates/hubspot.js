// The banner asks, not HubSpot's.
(id, load, w) => {
  w.disableHubSpotCookieBanner = true;
  load('https://js.hs-scripts.com/' + id + '.js', undefined, { id: 'hs-script-loader' });
}
