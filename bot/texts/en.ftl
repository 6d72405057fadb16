# What Darkroom says, in English. See __init__.py beside this file.

### Errors

### Imagine and its relatives

### The message of a job

### Buttons, forms, questions

### Pictures that are there: details, history, favourites

### The queue

### Checkpoints and styles

command-imagine =
    .style = A named look, laid over your words; none for none
settings-style = style { $style }
details-style = Style
details-styled = Drawn from

### A person's own settings

### A server's and a channel's settings

### Moderation: history, usage

### Moderation: blocks, quotas, removal, audit

### Moderation: filters

# What a pattern must be: these end the sentence "`pattern` must be …".
filter-pattern-length = 1 to { $most } characters
filter-pattern-word = one word of letters and digits (several words are a phrase, anything else a regex)
filter-pattern-phrase = words of letters and digits (anything else is a regex)
filter-pattern-regex = a regular expression ({ $why })
filter-pattern-empty = a regular expression that needs at least one character to match
filter-pattern-slow = a regular expression that takes less than { $ms } ms

### The check of pictures

### Privacy

### Help
