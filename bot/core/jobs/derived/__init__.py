"""Jobs made from finished pictures: again, changed, larger, or drawn over in part."""
