"""The parts of the settings: building blocks, sections, the flat table of them all, YAML as text, error lines
and the generated documentation. The class is ``streams.settings``, its reader ``streams.settings_source``."""
