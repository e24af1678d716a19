"""Makes the adapters of the vectors importable: they are beside the vectors, and not in this
package.
"""

import sys

from vector import VECTORS

sys.path.insert(0, str(VECTORS))
