"""Films from outside: one module for each form that they come in, none of which knows the database.

`sources.find` recognises the form and lists the films with what is known of each; `FoundFilm.read` brings one into the
canonical form. `readerstudy.archive.services.import_radiographs` stores them.
"""
