(src, load) => load(src, undefined, { name: 'iframe', title: '', width: '0', height: '0' })
