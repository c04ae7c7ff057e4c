"""What a finished model does with photos: tags, heat maps, search, a person's corrections learnt."""
