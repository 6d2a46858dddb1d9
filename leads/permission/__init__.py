"""Whether a person may be contacted: who has consented, who is on a registry, who must not be contacted at all, and by
which company of the team. What `campaigns` decides with. It outlives campaigns.
"""
