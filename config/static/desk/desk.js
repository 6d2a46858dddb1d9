// What moves on the desk's own pages.
