"""The engines that keep the bytes of documents, behind one port."""
