"""The numbers that Discord bounds, each of them once, with the page of the API reference.

Everything that we send keeps within them; what we allow ourselves within that is said where it is
used. Tests hold what is sent against Discord's specification.
"""

from datetime import timedelta

# "Application Command Object": integers lie between this and its negative.
LARGEST_INTEGER = 2**53 - 1
TEXT_OPTION_LENGTH = 6000
DESCRIPTION_LENGTH = 100
CHOICES = 25
CHOICE_NAME_LENGTH = 100

# "Message Resource", and "Uploading Files" for a file's size where nothing was paid.
CONTENT_LENGTH = 2000
ALT_TEXT_LENGTH = 1024
FILE_BYTES = 10 * 2**20

# "Embed Limits"; the last is for all embeds of a message together.
EMBED_TITLE_LENGTH = 256
EMBEDS_LENGTH = 6000

# "Component Reference".
MENU_OPTIONS = 25
MENU_LABEL_LENGTH = 100
FORM_TITLE_LENGTH = 45

# "User Resource", and "Application Command Object" for a command's.
NAME_LENGTH = 32

# "Receiving and Responding": an interaction's token is valid for so long.
TOKEN_LIFETIME = timedelta(minutes=15)
