"""Do synthetic films show the findings that the source shows, as often, together as often, and in as many forms?"""
