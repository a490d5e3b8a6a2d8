(src, load) => load(src)
