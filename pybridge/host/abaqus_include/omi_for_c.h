/* How C and C++ user subroutines spell their names, as in Abaqus's header of this name. */
#ifndef PYBRIDGE_OMI_FOR_C_H
#define PYBRIDGE_OMI_FOR_C_H
#define FOR_NAME(lower, upper) lower##_
#define CALL_NAME(lower, upper) lower##_
#endif
