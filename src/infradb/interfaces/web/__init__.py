"""The pages in the browser: plain HTML, made here, without scripts."""
