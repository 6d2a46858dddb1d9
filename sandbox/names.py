"""Words that made-up people, companies and streets are named with."""


def _words(text: str) -> list[str]:
    return text.split()


FIRST_NAMES = _words(
    "Ada Alan Alice Amara Andre Anita Arlo Beatriz Benjamin Bianca Caleb Carmen Cedric Clara Damon Dana Delia Diego "
    "Edith Elias Elena Emmett Esther Ezra Farah Felix Fiona Gavin Gloria Grant Greta Hana Harold Hazel Hugo Ida Imani "
    "Ingrid Isaac Ivan Jade Jasper Joan Jonas Judith Kai Karen Keith Lana Leon Lillian Lucas Mabel Marcus Maria Maya "
    "Miles Mona Nadia Nathan Nina Noel Nora Olive Omar Oscar Paula Perry Petra Quinn Rafael Ramona Reid Rosa Ruben "
    "Ruth Samir Sara Silas Sonia Stella Tara Theo Tomas Una Vera Victor Wade Wanda Xavier Yara Yusuf Zelda Zane"
)
LAST_NAMES = _words(
    "Abbott Alder Ames Archer Ashby Atwood Avery Baird Banks Barlow Barton Beck Bell Benton Birch Blake Bowen Boyd "
    "Bright Brooks Burke Byrne Calder Carver Castillo Chen Clay Colby Conway Cortez Crane Cross Dalton Darby Dawson "
    "Delgado Doyle Drake Dunn Eaton Ellis Emery Farley Fenton Finch Fisher Flores Forde Frost Gaines Garza Gibbs "
    "Glover Graves Greer Hale Hardy Hayes Heath Holt Howe Ibarra Irwin Ivers Jarvis Joyce Keane Kemp Kerr Kirby Knox "
    "Lamb Lane Larkin Lowe Lucero Lyons Mack Marsh Mercer Meyer Moody Moran Moss Nash Nguyen Noble Nolan Ochoa Olsen "
    "Ortega Osborn Page Park Patel Payne Perez Pierce Pratt Quigley Ramos Reeves Rhodes Rivers Rowe Ryder Salas Sharp "
    "Shaw Silva Snow Stark Stokes Sutton Tate Thorne Torres Tran Upton Vance Vega Wade Walsh Ware Webb Weiss Wolfe "
    "Yates York Young Zamora Zuniga"
)
COMPANY_WORDS = _words("Alder Beacon Cedar Delta Evergreen Foxglove Granite Harbor Juniper Keystone Lantern Meridian")
COMPANY_KINDS = ("Holdings LLC", "Properties LLC", "Homes LLC", "Rentals LLC", "Investments Inc")
STREET_NAMES = _words(
    "Acorn Alpine Aspen Bayberry Birch Bluebird Brook Canyon Cedar Cherry Chestnut Clover Cypress Dogwood Elm Fern "
    "Forest Garden Glen Hawthorn Hickory Hillcrest Juniper Lakeview Laurel Lilac Linden Magnolia Maple Meadow Mill "
    "Oak Orchard Park Pine Poplar Prairie Ridge River Rose Sage Spring Spruce Summit Sunset Sycamore Valley Walnut "
    "Willow Woodland"
)
STREET_TYPES = ("St", "Ave", "Dr", "Ln", "Ct", "Rd", "Way", "Pl")
