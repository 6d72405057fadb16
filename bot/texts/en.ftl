# What Darkroom says, in English. See __init__.py beside this file.

### Errors

### Imagine and its relatives

### The message of a job

### Buttons, forms, questions

### Pictures that are there: details, history, favourites

### The queue

### Checkpoints and styles

### A person's own settings

### A server's and a channel's settings

### Moderation: history, usage

### Moderation: blocks, quotas, removal, audit

### Moderation: filters

### The check of pictures

### Privacy

### Help
