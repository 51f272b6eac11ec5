"""What an Abaqus user installs: the folder with libraries and shims, its checks, and the text for the deck."""
