"""One file per measurement: NAME, TITLE, METHOD (how, for the reader of the document), ORDER and `measure(folder)`."""
