(src, load) => load(src, undefined, { name: 'img', alt: '', width: '1', height: '1' })
