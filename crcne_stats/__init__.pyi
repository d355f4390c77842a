from crcne_stats.analysis.agreement import agreement as agreement
from crcne_stats.analysis.concordance import concordance as concordance
from crcne_stats.analysis.describe import describe as describe
from crcne_stats.analysis.difficulty import difficulty as difficulty
from crcne_stats.analysis.simulate import simulate as simulate
from crcne_stats.analysis.study import study as study
from crcne_stats.data.grid import write_grid as write_grid
from crcne_stats.data.marked import write_marked as write_marked
from crcne_stats.data.pix import load_pix as load_pix
from crcne_stats.data.pseudonyms import pseudonymise as pseudonymise
from crcne_stats.data.ratings import load_ratings as load_ratings
from crcne_stats.data.ratings import write_ratings as write_ratings
from crcne_stats.data.students import load_students as load_students
from crcne_stats.data.students import write_students as write_students
from crcne_stats.data.validate import validate as validate
from crcne_stats.domain.errors import DataError as DataError
from crcne_stats.domain.framework import Framework as Framework
from crcne_stats.domain.frameworks import load_framework as load_framework
from crcne_stats.domain.ratings import Ratings as Ratings
from crcne_stats.domain.students import Students as Students
from crcne_stats.publish.write import write_study as write_study
from crcne_stats.view.disclosure import published as published
from crcne_stats.view.figures import figure as figure
from crcne_stats.view.tables import table as table

__version__: str
